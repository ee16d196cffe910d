package io.millrace.kernels;

/**
 * Which rows of a step belong to which sequence and where its past lies. Rows of one sequence are adjacent and ascending in
 * position; the last one's context is the whole sequence so far.
 *
 * @param queryStarts [S + 1] i32: sequence s owns step rows queryStarts[s] … queryStarts[s + 1] − 1
 * @param contextTokens [S] i32: tokens of sequence s in the cache once this step's rows are appended
 * @param blockTables [S, maxPages] i32: page indices, ascending in position
 * @param numSequences S
 */
public record AttentionBatch(Tensor queryStarts, Tensor contextTokens, Tensor blockTables, int numSequences) {}
