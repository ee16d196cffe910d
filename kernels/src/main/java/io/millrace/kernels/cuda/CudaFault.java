package io.millrace.kernels.cuda;

import io.millrace.kernels.DeviceException;

/** What a kernel found wrong with a value that only the device knows; reported with the next result that is read. */
final class CudaFault {
    /** Bytes of the kernels' {@code Fault}: check, row, value, limit. */
    static final int BYTES = 16;

    /** Same order as {@code FaultCheck} in rows.cuh. */
    private static final String[] CHECKS = {
        "none",
        "embed: token id of row",
        "gatherRows: row",
        "ropeAppendKv: position of row",
        "ropeAppendKv: slot of row",
        "combine: row of expertOut for token",
        "copyPages: page to read of pair",
        "copyPages: page to write of pair",
        "topLogprobs: sampled id of row",
        "a rank won't come",
        "collect: row of expertOut for token",
    };

    private static final int RANK_GONE = 9;

    private CudaFault() {}

    static void check(int check, int row, int value, int limit) {
        if (check == 0) {
            return;
        }
        if (check == RANK_GONE) {
            throw new DeviceException("gave up waiting for rank " + row + " of " + limit
                    + " in its group: it failed, or the ranks were closed; open them anew");
        }
        String what = check < CHECKS.length ? CHECKS[check] : "unknown check " + check;
        throw new DeviceException(what + " " + row + " is " + value + " but must be in 0 … " + (limit - 1));
    }
}
