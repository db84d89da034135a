import {
  NoSchemaIntrospectionCustomRule,
  validate,
  ValuesOfCorrectTypeRule,
  type GraphQLError,
  type ValidationRule,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { RateLimits } from '../../auth/rate-limits.ts';
import type { Caller } from '../schema/context.ts';
import { checkDocument } from './document-limits.ts';
import { literalsRule } from './literals-rule.ts';
import { maskError, requestFault } from './mask-error.ts';
import { parseDocument } from './parse-document.ts';

/** Validating this many tokens takes, at worst, about as long as a plain request takes in total. */
const TOKENS_PER_POINT = 100;

/**
 * Bounds a document before it is validated. Validation can take time quadratic in the size of a document, so a document
 * that is not cached is charged by its length, whether or not it turns out to be valid.
 */
export function useDocumentLimits(rates: RateLimits): Plugin<{ caller?: Caller }> {
  return {
    onParse: ({ context, setParseFn }) =>
      setParseFn((source, parseOptions) => {
        const document = parseDocument(source, parseOptions);
        const points = Math.floor((document.tokenCount ?? 0) / TOKENS_PER_POINT);
        if (context.caller !== undefined) rates.charge(context.caller.viewer, points);
        try {
          checkDocument(document);
        } catch (error) {
          throw maskError(error);
        }
        return document;
      }),
  };
}

/**
 * Validates with errors that never quote a literal. Without `introspection` a document cannot select fields of the
 * schema about itself, not even through fragments, and errors do not suggest names.
 */
export function useValidationRules({ introspection }: { introspection: boolean }): Plugin {
  return {
    onValidate: ({ addValidationRule, setValidationFn }) => {
      if (!introspection) addValidationRule(NoSchemaIntrospectionCustomRule);
      setValidationFn((schema, document, rules) => {
        const replaced = (rules as readonly ValidationRule[] | undefined)?.map((rule) =>
          rule === ValuesOfCorrectTypeRule ? literalsRule : rule,
        );
        return validate(schema, document, replaced, { hideSuggestions: !introspection });
      });
    },
  };
}

/** Gives validation errors the code BAD_USER_INPUT. */
export function useValidationErrorCodes(): Plugin {
  return {
    onValidate: () => (validated) => {
      if (!validated.valid) validated.setResult((validated.result as readonly GraphQLError[]).map(requestFault));
    },
  };
}
