package io.millrace.kernels;

/** One device of a plan with what runs on it. Thread: the rank's own, or the engine loop where there is only one. */
public record Rank(int index, Device device, Ops ops, Collective collective) {}
