import { newQuickJSWASMModuleFromVariant, newVariant, type QuickJSWASMModule, RELEASE_SYNC } from 'quickjs-emscripten';

const PAGE_BYTES = 65_536;

/** What QuickJS is built to start with; most of it is free. */
const INITIAL_PAGES = 256;

/**
 * Loads QuickJS into WebAssembly memory that cannot grow beyond `memoryBytes` plus the 16 MB it starts with.
 *
 * QuickJS's own memory limit does not bound anything in this build: it adds up `malloc_usable_size`, which is 0 under Emscripten
 * (measured: 2 GB of buffers under a limit of 8 MB, where the memory's own bound throws after 60 of 64 MB).
 */
export async function loadQuickJS(memoryBytes: number): Promise<QuickJSWASMModule> {
  const maximum = INITIAL_PAGES + Math.ceil(memoryBytes / PAGE_BYTES);
  const wasmMemory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum });
  const silent = { printErr: () => undefined };
  return newQuickJSWASMModuleFromVariant(newVariant(RELEASE_SYNC, { wasmMemory, emscriptenModule: silent }));
}
