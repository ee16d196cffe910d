package io.millrace.schemas;

/** Which codec a record's value needs: said by its {@code content-type} header or by configuration, never guessed. */
public enum ContentType {
    JSON("application/json"),
    AVRO("application/avro");

    /** Name of the header. */
    public static final String HEADER = "content-type";

    private final String mimeType;

    ContentType(String mimeType) {
        this.mimeType = mimeType;
    }

    /** Returns the value of the header. */
    public String mimeType() {
        return mimeType;
    }

    /**
     * Reads a header's value; parameters behind a semicolon are ignored.
     *
     * @throws WireException if it is neither
     */
    public static ContentType ofHeader(String value) throws WireException {
        int semicolon = value.indexOf(';');
        String mime = (semicolon < 0 ? value : value.substring(0, semicolon)).strip();
        for (ContentType t : values()) {
            if (t.mimeType.equalsIgnoreCase(mime)) {
                return t;
            }
        }
        throw new WireException(
                "header content-type", -1, "\"" + mime + "\" is neither application/json nor application/avro");
    }
}
