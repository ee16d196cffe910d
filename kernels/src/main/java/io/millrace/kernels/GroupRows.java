package io.millrace.kernels;

/** How many rows each group of a plan has in a step, and where they start when they lie one group's behind the other's. Immutable. */
public final class GroupRows {
    private final int[] starts;

    private GroupRows(int[] starts) {
        this.starts = starts;
    }

    /** Returns the rows of groups 0, 1, …, each ≥ 0. */
    public static GroupRows of(int... rowsOfGroups) {
        int[] starts = new int[rowsOfGroups.length + 1];
        for (int g = 0; g < rowsOfGroups.length; g++) {
            starts[g + 1] = Math.addExact(starts[g], rowsOfGroups[g]);
        }
        return new GroupRows(starts);
    }

    /** Returns the number of groups. */
    public int numGroups() {
        return starts.length - 1;
    }

    /** Returns where the group's rows start. */
    public int first(int group) {
        return starts[group];
    }

    /** Returns the group's rows. */
    public int rows(int group) {
        return starts[group + 1] - starts[group];
    }

    /** Returns the rows of all groups. */
    public int total() {
        return starts[starts.length - 1];
    }
}
