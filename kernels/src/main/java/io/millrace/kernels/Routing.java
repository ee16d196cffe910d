package io.millrace.kernels;

/**
 * The router's choice for T tokens, and the pairs (token, expert) of L neighbouring experts in expert order, all in device memory. A
 * pair's row in expert order is where grouped products put its result. L is E on a rank that holds all experts.
 *
 * @param expertIds [T, K] i32, ascending expert id within a row; −1 everywhere in a row whose logits hold a NaN
 * @param weights [T, K] f32, same order
 * @param offsets [L + 1] i32: the e-th of the experts owns rows offsets[e] … offsets[e + 1] − 1 in expert order
 * @param pairTokens [T · min(K, L)] i32: token of each row in expert order (ascending within an expert)
 * @param pairRows [T, K] i32: row in expert order of each pair, −1 if none
 */
public record Routing(Tensor expertIds, Tensor weights, Tensor offsets, Tensor pairTokens, Tensor pairRows) {}
