/** Preloaded (`node --import`): this process's clock is off by the last of its arguments, in milliseconds. */
const shift = Number(process.argv.at(-1));

globalThis.Date = new Proxy(Date, {
  construct: (date, args, given) => Reflect.construct(date, args.length === 0 ? [date.now() + shift] : args, given),
  get: (date, key, receiver) => (key === 'now' ? () => date.now() + shift : Reflect.get(date, key, receiver)),
});
