package io.millrace.kernels.cuda;

import io.millrace.kernels.DeviceException;
import jcuda.driver.JCudaDriver;

/** Calls of the driver and what their results mean. Any thread. */
final class Cu {
    private static final int SUCCESS = 0;

    private Cu() {}

    /**
     * Loads the driver.
     *
     * @throws DeviceException if there is none, with how to get it
     */
    static void load() {
        try {
            JCudaDriver.setExceptionsEnabled(false);
            check(JCudaDriver.cuInit(0), "cuInit");
        } catch (UnsatisfiedLinkError | NoClassDefFoundError e) {
            throw new DeviceException(
                    "no CUDA driver: JCuda 12.6 or libcuda.so.1 can't be loaded (" + firstLine(e)
                            + "): install NVIDIA driver 560 or later with JCuda on the class path, or use --backend cpu",
                    e);
        }
    }

    private static String firstLine(Throwable e) {
        String text = String.valueOf(e.getMessage());
        int end = text.indexOf('\n');
        return end < 0 ? text : text.substring(0, end);
    }

    /**
     * Checks a call's result.
     *
     * @param call its name and, where it helps, its operands
     */
    static void check(int result, String call) {
        if (result != SUCCESS) {
            throw new DeviceException(
                    call + " failed: " + nameOf(result)
                            + ": the device is unusable for this process; restart it, and see nvidia-smi and the kernel log (Xid)");
        }
    }

    static boolean isOk(int result) {
        return result == SUCCESS;
    }

    /** Returns name, text and number of an error. */
    static String nameOf(int result) {
        String[] name = {"unknown error"};
        String[] text = {""};
        JCudaDriver.cuGetErrorName(result, name);
        JCudaDriver.cuGetErrorString(result, text);
        return name[0] + " (" + result + ", " + text[0] + ")";
    }
}
