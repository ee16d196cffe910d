package io.millrace.kernels;

/** Element types of tensors and weights. */
public enum DType {
    /** IEEE 754 binary32. */
    F32(4),
    /** The upper half of an F32. */
    BF16(2),
    /** float8_e4m3fn: bias 7, no infinity, NaN is 0x7F and 0xFF, largest finite value 448. */
    E4M3(1),
    /** Signed 32-bit integer: token ids, positions, slots, tables. */
    I32(4);

    private final int elementBytes;

    DType(int elementBytes) {
        this.elementBytes = elementBytes;
    }

    /** Returns the bytes of one element. */
    public int elementBytes() {
        return elementBytes;
    }
}
