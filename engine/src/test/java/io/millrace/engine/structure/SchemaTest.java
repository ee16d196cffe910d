package io.millrace.engine.structure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.engine.RejectedException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SchemaTest {
    private static final GrammarCache CACHE = new GrammarCache(Walk.TOKENIZER);

    private static Structure schema(String source) {
        return Structure.of(Structure.Kind.JSON_SCHEMA, source.replace('\'', '"'));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "{'type':'integer','minimum':-3,'exclusiveMaximum':12} | -3 -1 0 9 11 | -4 12 05 -0 1.0",
                "{'type':'integer','minimum':95,'maximum':1203} | 95 99 100 999 1000 1203 | 94 1204 9 12030",
                "{'type':'number','minimum':0,'maximum':2} | 0 0.5 1.99 2 | 2.5 -0.1 3",
                "{'type':'number','exclusiveMinimum':-2,'maximum':-1} | -1 -1.5 | -2 -2.1 -0.5 0 -2.0",
                "{'type':'number','exclusiveMinimum':0,'exclusiveMaximum':1} | 0.5 0.01 | 0 1 0.0 1.5",
                "{'type':'string','minLength':2,'maxLength':3} | 'ab' 'a\\n€' '\\\"\\\\' | 'a' 'abcd' \"ab",
                "{'type':'string','pattern':'^a+b?$','maxLength':3} | 'a' 'aab' | 'aaab' 'b' ''",
                "{'type':'string','pattern':'b'} | 'b' 'abc' | 'a' ''",
                "{'allOf':[{'pattern':'^a'},{'pattern':'z$'}]} | 'az' 'abz' | 'a' 'z'",
                "{'enum':[1,'x',null,{'a':[1]}],'type':['string','object']} | 'x' {'a':[1]} | 1 null",
                "{'const':2.5} | 2.5 | 2",
                "{'type':'array','items':{'type':'boolean'},'minItems':1,'maxItems':2} | [true] [true,false] | [] [true,true,true] [1]",
                "{'prefixItems':[{'const':1},{'const':2}],'items':false} | [] [1] [1,2] | [2] [1,2,3]",
                "{'prefixItems':[{'const':1}],'minItems':2} | [1,[]] [1,{'a':1}] | [1] [2,1]",
                "{'properties':{'a':{'const':1},'b':{'const':2}},'required':['b']} | {'a':1,'b':2} {'b':2} | {} {'a':1} {'b':2,'a':1}",
                "{'properties':{'a':{'const':1}},'additionalProperties':{'const':3}} | {} {'a':1} {'b':3} {'a':1,'aa':3,'':3} | {'a':3} {'b':1}",
                "{'type':'object','required':['q'],'additionalProperties':false} | - | {}",
                "{'anyOf':[{'const':1},{'type':'string'}],'enum':[1,2,'s']} | 1 's' | 2",
                "{'$defs':{'t':{'properties':{'c':{'type':'array','items':{'$ref':'#/$defs/t'}}},'required':['c']}},'$ref':'#/$defs/t'}"
                        + " | {'c':[]} {'c':[{'c':[{'c':[]}]}]} | {} {'c':[[]]}",
                "{'properties':{'n':{'$ref':'#'},'v':{'type':'null'}}} | {} {'n':{'n':{}}} {'n':{},'v':null} | {'n':1}",
                "{} | 1 [] {} 'x' null [1,[{}]] -1.5e10 | x 01 [,]"
            })
    void allowsWhatIsValidAndNothingElse(String source, String valid, String invalid) {
        if (valid.equals("-")) {
            assertThatThrownBy(() -> CACHE.get(schema(source))).hasMessageContaining("nothing can match it");
            return;
        }
        Grammar grammar = GrammarCache.grammar(schema(source));
        for (String text : valid.replace('\'', '"').split(" ")) {
            assertThat(Walk.matches(grammar, text)).as(text).isTrue();
        }
        for (String text : invalid.replace('\'', '"').split(" ")) {
            assertThat(Walk.matches(grammar, text)).as(text).isFalse();
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "{'type':'string','format':'date'} | keyword \"format\" is not supported: remove it",
                "{'properties':{'a':{'oneOf':[]}}} | keyword \"oneOf\" is not supported",
                "{'type':'integer','minimum':5,'maximum':4} | nothing can match it",
                "{'type':'strnig'} | type is \"strnig\" but must be object, array",
                "{'$ref':'#/$defs/x'} | $ref \"#/$defs/x\" leads nowhere",
                "{'$ref':'http://x.org/s'} | leads nowhere: use \"#\"",
                "{'properties':{'a':{'$ref':'#'}},'required':['a']} | nothing can match it",
                "{'anyOf':[{'$ref':'#'},{'const':1}]} | left recursion",
                "{'type':'string','maxLength':30000} | maxLength is 30000 but the limit is 20000: lower it",
                "{'type':'string','minLength':-1} | minLength is -1 but must be an integer of at least 0",
                "{'type':'string','pattern':'a(?!b)'} | \"(?\" is supported as \"(?:\" only",
                "{'type':'array','items':{'type':'array','items':{'type':'string','maxLength':19000},'maxItems':3000},'maxItems':3000}"
                        + " | pattern or length needs more than 20000 states",
                "{'items':3} | a schema is 3 but must be an object, true or false",
                "{'a':1,'a':1} | the schema is not valid JSON"
            })
    void whatCannotBeHadIsRefusedByName(String source, String message) {
        assertThatThrownBy(() -> CACHE.get(schema(source)))
                .isInstanceOf(RejectedException.class)
                .hasMessageStartingWith("json_schema: ")
                .hasMessageContaining(message);
    }
}
