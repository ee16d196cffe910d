package io.millrace.kernels;

/**
 * What a step's T tokens are; device memory that is rewritten before each step.
 *
 * @param ids [T] i32 token ids
 * @param positions [T] i32 position in the sequence, from 0
 * @param slots [T] i32 row of {@link KvLayer#pages()} that takes the token: page · pageTokens + position mod pageTokens
 */
public record StepTensors(Tensor ids, Tensor positions, Tensor slots) {}
