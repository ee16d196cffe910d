package io.millrace.bench;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** Curves as one SVG element: x logarithmic, y linear from 0. What isn't finite is left out. */
final class LineChart {
    private static final int WIDTH = 560;
    private static final int HEIGHT = 300;
    private static final int LEFT = 64;
    private static final int RIGHT = 16;
    private static final int TOP = 36;
    private static final int BOTTOM = 44;
    private static final int NUM_STEPS = 4;
    /** Least distance of two numbers on the x axis. */
    private static final int X_LABEL_SPACE = 36;

    /**
     * One curve.
     *
     * @param color as CSS writes it
     * @param isDashed what something is compared with
     * @param x [n] f64, ascending, ≥ 1
     * @param y [n] f64
     */
    @SuppressWarnings("ArrayRecordComponent") // drawn once, compared by nobody
    record Curve(String name, String color, boolean isDashed, double[] x, double[] y) {}

    private final List<Curve> curves;
    private final double minX;
    private final double maxX;
    private final double step;

    private LineChart(List<Curve> curves) {
        this.curves = curves;
        minX = curves.stream().flatMapToDouble(c -> Arrays.stream(c.x)).min().orElse(1);
        maxX = curves.stream().flatMapToDouble(c -> Arrays.stream(c.x)).max().orElse(1);
        step = niceStep(curves.stream()
                .flatMapToDouble(c -> Arrays.stream(c.y))
                .filter(Double::isFinite)
                .max()
                .orElse(1));
    }

    /** Draws curves under a title that names the unit of y. */
    static String svg(String title, String xLabel, List<Curve> curves) {
        return new LineChart(curves).draw(title, xLabel);
    }

    /** Returns 1, 2, 2.5 or 5 times a power of ten, so that {@value #NUM_STEPS} steps reach {@code max}. */
    static double niceStep(double max) {
        double least = max > 0 ? max / NUM_STEPS : 1;
        double power = Math.pow(10, Math.floor(Math.log10(least)));
        for (double nice : new double[] {1, 2, 2.5, 5}) {
            if (nice * power >= least * (1 - 1e-9)) {
                return nice * power;
            }
        }
        return 10 * power;
    }

    private String draw(String title, String xLabel) {
        StringBuilder out = new StringBuilder();
        add(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">\n", WIDTH, HEIGHT, Html.escaped(title));
        add(out, "<text x=\"%d\" y=\"18\" class=\"title\">%s</text>\n", LEFT, Html.escaped(title));
        for (int i = 0; i <= NUM_STEPS; i++) {
            double y = y(i * step);
            add(out, "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" class=\"grid\"/>", LEFT, WIDTH - RIGHT, y, y);
            add(out, "<text x=\"%d\" y=\"%.1f\" class=\"y\">%s</text>\n", LEFT - 8, y + 4, label(i * step));
        }
        xNumbers(out);
        add(out, "<text x=\"%d\" y=\"%d\" class=\"x\">%s</text>\n", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, xLabel);
        for (int i = 0; i < curves.size(); i++) {
            curve(out, curves.get(i), i);
        }
        return out.append("</svg>\n").toString();
    }

    /** The x of every point that has room beside the one before. */
    private void xNumbers(StringBuilder out) {
        double last = Double.NEGATIVE_INFINITY;
        for (double x : curves.stream()
                .flatMapToDouble(c -> Arrays.stream(c.x))
                .sorted()
                .distinct()
                .toArray()) {
            if (x(x) - last >= X_LABEL_SPACE) {
                last = x(x);
                add(out, "<text x=\"%.1f\" y=\"%d\" class=\"x\">%s</text>\n", last, HEIGHT - BOTTOM + 18, label(x));
            }
        }
    }

    private void curve(StringBuilder out, Curve c, int index) {
        String dash = c.isDashed ? " stroke-dasharray=\"5 4\"" : "";
        StringBuilder points = new StringBuilder();
        for (int i = 0; i < c.x.length; i++) {
            if (Double.isFinite(c.y[i])) {
                add(points, "%.1f,%.1f ", x(c.x[i]), y(c.y[i]));
                add(
                        out,
                        "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"><title>%s: %s at %s</title></circle>\n",
                        x(c.x[i]),
                        y(c.y[i]),
                        c.color,
                        Html.escaped(c.name),
                        label(c.y[i]),
                        label(c.x[i]));
            }
        }
        add(
                out,
                "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s/>\n",
                points.toString().strip(),
                c.color,
                dash);
        double y = TOP + 6 + 16.0 * index;
        add(
                out,
                "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" stroke-width=\"2\"%s/>",
                LEFT + 10,
                LEFT + 34,
                y,
                y,
                c.color,
                dash);
        add(out, "<text x=\"%d\" y=\"%.1f\">%s</text>\n", LEFT + 40, y + 4, Html.escaped(c.name));
    }

    private double x(double value) {
        double share = maxX > minX ? Math.log(value / minX) / Math.log(maxX / minX) : 0.5;
        return LEFT + share * (WIDTH - LEFT - RIGHT);
    }

    private double y(double value) {
        return HEIGHT - BOTTOM - value / (NUM_STEPS * step) * (HEIGHT - TOP - BOTTOM);
    }

    /** Returns three significant digits, or all of a whole number's. */
    static String label(double value) {
        if (value >= 100 || value == Math.rint(value)) {
            return String.format(Locale.ROOT, "%,.0f", value);
        }
        return String.format(Locale.ROOT, value >= 10 ? "%.1f" : "%.2f", value);
    }

    private static void add(StringBuilder out, String format, Object... values) {
        out.append(String.format(Locale.ROOT, format, values));
    }
}
