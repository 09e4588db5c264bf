import { ActionIcon, Menu } from '@mantine/core';
import { Icon } from '@/design/icons';
import { type Column, nextSort } from '@/model/columns';
import type { Order } from '@/model/order';
import { strings } from '@/strings';
import css from './menus.module.css';

const s = strings.workflows;

interface Props {
  columns: readonly Column[];
  sort: string;
  onSort: (sort: string) => void;
}

/** The order, where there are no heads of columns to click on. */
export function OrderMenu({ columns, sort, onSort }: Props) {
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon aria-label={s.order.menu}>
          <Icon name="order" size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{s.order.menu}</Menu.Label>
        <Menu.Item onClick={() => onSort('')}>
          <Way shown={sort === ''} name="check" />
          {s.order.own}
        </Menu.Item>
        {columns.map((column) => (
          <Menu.Item key={column.id} onClick={() => onSort(nextSort(column, sort))}>
            <Way shown={sort.replace(/^-/, '') === column.id} name={sort.startsWith('-') ? 'down' : 'up'} />
            {column.name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function Way({ shown, name }: { shown: boolean; name: 'check' | 'up' | 'down' }) {
  return <span className={css['way']}>{shown && <Icon name={name} size={12} />}</span>;
}

/** What a list is sorted by, where no head of a column says it; a click takes it back. */
export function OrderNote({ order, onSort }: { order: Order; onSort: (sort: string) => void }) {
  return (
    <button type="button" className={css['order']} aria-label={s.order.clear(order.column.name)} title={s.order.clear(order.column.name)} onClick={() => onSort('')}>
      {order.column.name}
      <Icon name={order.descending ? 'down' : 'up'} size={12} />
      <Icon name="close" size={12} />
    </button>
  );
}
