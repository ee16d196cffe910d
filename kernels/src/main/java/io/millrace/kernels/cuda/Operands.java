package io.millrace.kernels.cuda;

import io.millrace.kernels.DType;
import io.millrace.kernels.DenseWeight;
import io.millrace.kernels.Fp8Activations;
import io.millrace.kernels.LinearWeight;
import io.millrace.kernels.Tensor;

/** Checks of operands on the host: every refusal names the op, the operand and both values. Any thread. */
final class Operands {
    private Operands() {}

    static CudaTensor cuda(Tensor t) {
        if (t instanceof CudaTensor) {
            return (CudaTensor) t;
        }
        throw new IllegalArgumentException("a tensor of " + t.getClass().getName() + " belongs to another back end");
    }

    static CudaActivations cuda(Fp8Activations x) {
        if (x instanceof CudaActivations) {
            return (CudaActivations) x;
        }
        throw new IllegalArgumentException("activations of " + x.getClass().getName() + " belong to another back end");
    }

    static TiledWeight cuda(LinearWeight w) {
        if (w instanceof CudaFp8Weight) {
            return ((CudaFp8Weight) w).tiled();
        }
        if (w instanceof CudaBf16Weight) {
            return ((CudaBf16Weight) w).tiled();
        }
        throw new IllegalArgumentException("a weight of " + w.getClass().getName() + " belongs to another back end");
    }

    static TiledWeight cuda(DenseWeight w) {
        if (w instanceof CudaDenseWeight) {
            return ((CudaDenseWeight) w).tiled();
        }
        throw new IllegalArgumentException("a weight of " + w.getClass().getName() + " belongs to another back end");
    }

    static CudaTensor f32(Tensor t) {
        return typed(t, DType.F32);
    }

    static CudaTensor i32(Tensor t) {
        return typed(t, DType.I32);
    }

    static CudaTensor bf16(Tensor t) {
        return typed(t, DType.BF16);
    }

    static void contiguous(String what, CudaTensor t) {
        if (!t.isContiguous()) {
            throw new IllegalArgumentException(what + " is a column view " + t + ": use a whole tensor");
        }
    }

    /** A tensor of f32 or bf16. */
    static CudaTensor floating(Tensor t) {
        return t.dtype() == DType.BF16 ? cuda(t) : typed(t, DType.F32);
    }

    private static CudaTensor typed(Tensor t, DType dtype) {
        if (t.dtype() != dtype) {
            throw new IllegalArgumentException("tensor " + t + " is not " + dtype);
        }
        return cuda(t);
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

    static void atMost(String what, long value, long limit) {
        if (value > limit) {
            throw new IllegalArgumentException(what + " is " + value + " but must be at most " + limit);
        }
    }

    static void multiple(String what, long value, long unit) {
        if (value % unit != 0) {
            throw new IllegalArgumentException(what + " is " + value + " but must be a multiple of " + unit);
        }
    }
}
