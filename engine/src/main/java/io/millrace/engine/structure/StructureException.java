package io.millrace.engine.structure;

/** A structure that can't be compiled: value, limit, way out. {@link GrammarCache} makes a rejection of it, with the field's name. */
final class StructureException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    StructureException(String message) {
        super(message);
    }
}
