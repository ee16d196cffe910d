package io.millrace.schemas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class ContentTypeTest {
    @Test
    void readsHeaders() throws WireException {
        assertThat(ContentType.ofHeader("application/json")).isEqualTo(ContentType.JSON);
        assertThat(ContentType.ofHeader(" Application/JSON ; charset=utf-8")).isEqualTo(ContentType.JSON);
        assertThat(ContentType.ofHeader("application/avro")).isEqualTo(ContentType.AVRO);
    }

    @Test
    void refusesAllElse() {
        assertThatThrownBy(() -> ContentType.ofHeader("text/plain"))
                .isInstanceOf(WireException.class)
                .hasMessage("header content-type: \"text/plain\" is neither application/json nor application/avro");
    }
}
