package io.millrace.kernels;

/** A {@link LinearWeight} of e4m3 codes with a scale per block of 128 × 128. */
public interface Fp8Weight extends LinearWeight {}
