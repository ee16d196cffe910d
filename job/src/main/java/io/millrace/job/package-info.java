/** Placeholder of the module's root package; its class docs say more. */
@NullMarked
package io.millrace.job;

import org.jspecify.annotations.NullMarked;
