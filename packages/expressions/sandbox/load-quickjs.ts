import { newQuickJSWASMModuleFromVariant, newVariant, type QuickJSWASMModule, RELEASE_SYNC } from 'quickjs-emscripten';

// Node's types do not have it, and the DOM's would bring a browser along.
declare const WebAssembly: { Memory: new (size: { initial: number; maximum: number }) => object };

const PAGE_BYTES = 65_536;

/** What QuickJS is built to start with; most of it is free. */
const INITIAL_PAGES = 256;

/** The share of `memoryBytes` that has ever been in use: WebAssembly memory never shrinks. */
export function grownShare(module: QuickJSWASMModule, memoryBytes: number): number {
  return (module.getWasmMemory().buffer.byteLength - INITIAL_PAGES * PAGE_BYTES) / memoryBytes;
}

/**
 * Loads QuickJS into WebAssembly memory that cannot grow beyond `memoryBytes` plus the 16 MB it starts with.
 *
 * QuickJS's own memory limit does not bound anything in this build: it adds up `malloc_usable_size`, which is 0 under Emscripten
 * (measured: 2 GB of buffers under a limit of 8 MB). The memory's own bound throws `out of memory`.
 */
export async function loadQuickJS(memoryBytes: number): Promise<QuickJSWASMModule> {
  const maximum = INITIAL_PAGES + Math.ceil(memoryBytes / PAGE_BYTES);
  const wasmMemory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum });
  return newQuickJSWASMModuleFromVariant(newVariant(RELEASE_SYNC, { wasmMemory }));
}
