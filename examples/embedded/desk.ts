import express, { Router, type ErrorRequestHandler } from "express";
import { SignalboxError, type Engine, type Instance } from "signalbox";
import { z } from "zod";
import type { Notices } from "./notices.ts";

const idOf = (order: string) => `refund/${order}`;
const newRefund = z.strictObject({ paidCents: z.int() });
const parcel = z.strictObject({ worthCents: z.int() });

/** The service's own routes: they speak of orders and money, not of instances and events. */
export function createDesk(engine: Engine, notices: Notices): Router {
  const desk = Router();
  desk.use(express.json());

  desk.post("/orders/:order/refund", async ({ params: { order }, body }, response) => {
    const { paidCents } = newRefund.parse(body);
    const created = await engine.create({ machine: "refund", id: idOf(order), input: { order, paidCents } });
    await notices.follow(created.id);
    response
      .status(202)
      .location(`/orders/${encodeURIComponent(order)}/refund`)
      .json(told(created));
  });

  desk.get("/orders/:order/refund", async ({ params: { order } }, response) => {
    response.json(told(await engine.read(idOf(order))));
  });

  desk.post("/orders/:order/parcel", async ({ params: { order }, body }, response) => {
    const { worthCents } = parcel.parse(body);
    const { outcome, reasons, instance } = await engine.send(idOf(order), { type: "parcel.arrived", worthCents });
    if (outcome === "refused") response.status(409).json({ ...told(instance), reasons });
    else response.json(told(instance));
  });

  desk.use(((error, _request, response, next) => {
    if (error instanceof z.ZodError) response.status(400).json({ detail: z.prettifyError(error) });
    else if (error instanceof SignalboxError) response.status(error.status).json({ detail: error.detail });
    else next(error);
  }) satisfies ErrorRequestHandler);
  return desk;
}

function told({ state, deadline, waitingFor, context }: Instance) {
  const { receipt } = context as { receipt: unknown };
  return {
    state,
    waitsFor: waitingFor[0]?.what ?? null,
    until: deadline === null ? null : new Date(deadline).toISOString(),
    receipt,
  };
}
