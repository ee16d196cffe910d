/**
 * The paged KV pool: who holds which page, which pages are kept for prompts that begin alike, and how many pages a budget of bytes
 * buys. Host bookkeeping only; the pages' numbers live on the device.
 *
 * <p>May import: {@code engine} (exceptions). Start reading at {@link io.millrace.engine.kv.KvPool}.
 */
@NullMarked
package io.millrace.engine.kv;

import org.jspecify.annotations.NullMarked;
