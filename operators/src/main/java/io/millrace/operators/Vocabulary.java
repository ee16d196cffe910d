package io.millrace.operators;

import java.util.function.IntFunction;

/**
 * What requests and completions need of a tokenizer.
 *
 * @param numTokens the largest id + 1
 * @param tokenBytes the bytes that an id stands for, empty for an unknown one
 */
public record Vocabulary(int numTokens, IntFunction<byte[]> tokenBytes) {}
