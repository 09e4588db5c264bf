import { categories, type Category } from '@/model/events';

/** Categories as an address names them: with commas between. */
export function hiddenOf(text: string | undefined): ReadonlySet<Category> {
  const names = new Set((text ?? '').split(','));
  return new Set(categories.filter((c) => names.has(c)));
}

/** What a page shows is chosen in its address; without one, by who shows it. */
export interface ViewProps<Search> {
  search: Search;
  set: (change: Partial<Record<keyof Search, string | undefined>>) => void;
}
