import { Button, Menu } from '@mantine/core';
import { Icon } from '@/design/icons';
import { categories, type Category } from '@/model/events';
import { executionStrings } from '@/strings/execution';
import { useRun } from '../run';

const s = executionStrings;

/** Which kinds of steps are shown: those that the run has, to be switched on and off. */
export function CategoryMenu(props: { hidden: ReadonlySet<Category>; onHide: (names: string) => void }) {
  const { hidden, onHide } = props;
  const { state } = useRun();
  const there = new Set(state.log.steps().map((step) => step.category));
  const shown = categories.filter((c) => there.has(c) || hidden.has(c));
  const toggle = (category: Category): void => {
    const next = new Set(hidden);
    if (!next.delete(category)) next.add(category);
    onHide([...next].join(','));
  };
  return (
    <Menu>
      <Menu.Target>
        <Button leftSection={<Icon name="filter" />}>
          {hidden.size > 0 ? `${s.history.categories} (${shown.length - hidden.size}/${shown.length})` : s.history.categories}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {shown.map((category) => (
          <Menu.CheckboxItem key={category} checked={!hidden.has(category)} onChange={() => toggle(category)}>
            {s.categories[category]}
          </Menu.CheckboxItem>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
