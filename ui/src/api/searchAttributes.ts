import { queryOptions } from '@tanstack/react-query';
import type { Field, FieldType } from '@/model/completion';
import { at, get } from './client';

interface Answer {
  customAttributes?: Record<string, string>;
  systemAttributes?: Record<string, string>;
}

const types: Record<string, FieldType> = {
  INDEXED_VALUE_TYPE_TEXT: 'Text',
  INDEXED_VALUE_TYPE_KEYWORD: 'Keyword',
  INDEXED_VALUE_TYPE_INT: 'Int',
  INDEXED_VALUE_TYPE_DOUBLE: 'Double',
  INDEXED_VALUE_TYPE_BOOL: 'Bool',
  INDEXED_VALUE_TYPE_DATETIME: 'Datetime',
  INDEXED_VALUE_TYPE_KEYWORD_LIST: 'KeywordList',
};

/** The search attributes that somebody added to a namespace. */
export const searchAttributesQuery = (ns: string) =>
  queryOptions({
    queryKey: ['search-attributes', ns],
    staleTime: 60_000,
    queryFn: async ({ signal }): Promise<Field[]> => {
      const answer = await get<Answer>(at`namespaces/${ns}/search-attributes`, { signal });
      return Object.entries(answer.customAttributes ?? {})
        .map(([name, type]): Field => ({ name, type: types[type] ?? 'Keyword' }))
        .sort((a, b) => a.name.localeCompare(b.name));
    },
  });
