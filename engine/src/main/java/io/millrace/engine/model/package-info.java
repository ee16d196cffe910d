/**
 * A checkpoint as published and the forward pass over it: config.json, safetensors shards, the DeepSeek-V3 layers.
 *
 * <p>May import: {@code engine} (exceptions), kernels, Jackson. Start reading at {@code DeepSeekModel.forward}.
 */
@NullMarked
package io.millrace.engine.model;

import org.jspecify.annotations.NullMarked;
