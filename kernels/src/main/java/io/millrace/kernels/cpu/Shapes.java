package io.millrace.kernels.cpu;

import io.millrace.kernels.Fp8Activations;
import io.millrace.kernels.Tensor;

/** Checks of operands: every refusal names the op, the operand and both values; text is made only then. Any thread. */
final class Shapes {
    private Shapes() {}

    static CpuTensor cpu(Tensor t) {
        if (t instanceof CpuTensor) {
            return (CpuTensor) t;
        }
        throw new IllegalArgumentException("a tensor of " + t.getClass().getName() + " belongs to another back end");
    }

    static CpuActivations cpu(Fp8Activations x) {
        if (x instanceof CpuActivations) {
            return (CpuActivations) x;
        }
        throw new IllegalArgumentException("activations of " + x.getClass().getName() + " belong to another back end");
    }

    static void equal(String what, long value, long expected) {
        if (value != expected) {
            throw new IllegalArgumentException(what + " is " + value + " but must be " + expected);
        }
    }

    static void equal(String op, Object operand, String what, long value, long expected) {
        if (value != expected) {
            equal(op + " " + operand + ": " + what, value, expected);
        }
    }

    static void atLeast(String what, long value, long limit) {
        if (value < limit) {
            throw new IllegalArgumentException(what + " is " + value + " but must be at least " + limit);
        }
    }

    static void atLeast(String op, Object operand, String what, long value, long limit) {
        if (value < limit) {
            atLeast(op + " " + operand + ": " + what, value, limit);
        }
    }

    /** The value that belongs to index {@code at}. */
    static void atLeast(String what, int at, long value, long limit) {
        if (value < limit) {
            atLeast(what + " " + at, value, limit);
        }
    }

    static void multiple(String what, long value, long unit) {
        if (value % unit != 0) {
            throw new IllegalArgumentException(what + " is " + value + " but must be a multiple of " + unit);
        }
    }

    static void inRange(String what, long value, long limit) {
        if (value < 0 || value >= limit) {
            throw new IllegalArgumentException(what + " is " + value + " but must be in 0 … " + (limit - 1));
        }
    }

    /** The value that belongs to index {@code at}. */
    static void inRange(String what, int at, long value, long limit) {
        if (value < 0 || value >= limit) {
            inRange(what + " " + at, value, limit);
        }
    }

    /** Checks that the first {@code count} elements lie side by side and that the host array has them. */
    static CpuTensor contiguous(String op, Tensor tensor, int count, int arrayLength) {
        CpuTensor t = cpu(tensor);
        atLeast(op, "host array", "length", arrayLength, count);
        atLeast(op, t, "elements", t.rows() * t.cols(), count);
        if (t.stride() != t.numCols() && count > t.numCols()) {
            throw new IllegalArgumentException(
                    op + ": " + count + " elements of a column view " + t + ": use a whole tensor");
        }
        return t;
    }

    static int ceilDiv(int a, int b) {
        return (a + b - 1) / b;
    }
}
