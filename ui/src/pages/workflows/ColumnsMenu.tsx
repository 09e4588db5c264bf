import { ActionIcon, Button, Checkbox, Popover, Tooltip } from '@mantine/core';
import { Icon } from '@/design/icons';
import { allColumns, usualColumns } from '@/model/columns';
import { strings } from '@/strings';
import css from './menus.module.css';

const s = strings.workflows;

interface Props {
  ids: readonly string[];
  attributes: readonly string[];
  onChange: (ids: string[]) => void;
}

/** Which columns, in which order. */
export function ColumnsMenu({ ids, attributes, onChange }: Props) {
  const shown = ids.length > 0 ? ids : usualColumns;
  const all = allColumns(attributes);
  const named = [
    ...shown.flatMap((id) => all.find((c) => c.id === id) ?? []),
    ...all.filter((c) => !shown.includes(c.id)),
  ];
  const move = (id: string, by: number) => {
    const next = shown.filter((other) => other !== id);
    next.splice(shown.indexOf(id) + by, 0, id);
    onChange(next);
  };
  const toggle = (id: string, on: boolean) =>
    onChange(on ? [...shown, id] : shown.filter((other) => other !== id));
  return (
    <Popover width={270} position="bottom-end" trapFocus>
      <Popover.Target>
        <Tooltip label={s.columnsMenu}>
          <ActionIcon aria-label={s.columnsMenu}>
            <Icon name="columns" size={16} />
          </ActionIcon>
        </Tooltip>
      </Popover.Target>
      <Popover.Dropdown aria-label={s.columnsMenu}>
        <div className={css['title']}>{s.columnsHint}</div>
        <ul className={css['columns']}>
          {named.map((column) => {
            const at = shown.indexOf(column.id);
            return (
              <li key={column.id} className={css['column']}>
                <Checkbox
                  label={column.name}
                  checked={at >= 0}
                  disabled={at >= 0 && shown.length === 1}
                  onChange={(event) => toggle(column.id, event.currentTarget.checked)}
                />
                {at >= 0 && (
                  <span className={css['moves']}>
                    <ActionIcon size={20} disabled={at === 0} aria-label={s.columnUp(column.name)} onClick={() => move(column.id, -1)}>
                      <Icon name="up" size={12} />
                    </ActionIcon>
                    <ActionIcon
                      size={20}
                      disabled={at === shown.length - 1}
                      aria-label={s.columnDown(column.name)}
                      onClick={() => move(column.id, 1)}
                    >
                      <Icon name="down" size={12} />
                    </ActionIcon>
                  </span>
                )}
              </li>
            );
          })}
        </ul>
        <Button fullWidth variant="subtle" onClick={() => onChange([])}>
          {s.columnsReset}
        </Button>
      </Popover.Dropdown>
    </Popover>
  );
}
