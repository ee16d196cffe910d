package io.millrace.kernels.cuda;

import jcuda.driver.CUdeviceptr;

/** A device address as JCuda passes it, and back to a number, which JCuda doesn't offer. Immutable once allocated. */
final class DevicePointer extends CUdeviceptr {
    /** A place for {@code cuMemAlloc} to write to. */
    DevicePointer() {}

    private DevicePointer(long address) {
        super(new CUdeviceptr(), address); // JCuda adds the offset to the null pointer
    }

    static DevicePointer at(long address) {
        return new DevicePointer(address);
    }

    long address() {
        return getNativePointer() + getByteOffset();
    }
}
