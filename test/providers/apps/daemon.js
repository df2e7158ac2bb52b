// A daemon for tests: runs until it is told to end.
setInterval(() => undefined, 1_000_000);
