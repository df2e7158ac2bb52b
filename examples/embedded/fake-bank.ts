import express from "express";

const { PORT = "3001" } = process.env;
const transfers = new Map<string, object>(); // by key: the same transfer is made once

express()
  .use(express.json())
  .post("/transfers", (request, response) => {
    const key = request.get("Idempotency-Key") ?? "";
    const transfer = transfers.get(key) ?? { transfer: `t-${transfers.size + 1}` };
    transfers.set(key, transfer);
    response.json(transfer);
  })
  .listen(Number(PORT), "127.0.0.1", () => console.log(`The bank is open on port ${PORT}.`));
