import { Combobox, useCombobox } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { namespacesQuery, shownNamespaces } from '@/api/namespaces';
import { Icon } from '@/design/icons';
import { strings } from '@/strings';
import css from './NamespaceSwitcher.module.css';

const s = strings.shell;

export function NamespaceSwitcher({ ns }: { ns: string }) {
  const navigate = useNavigate();
  const [wanted, setWanted] = useState('');
  const combobox = useCombobox({
    onDropdownClose: () => {
      combobox.resetSelectedOption();
      setWanted('');
    },
    onDropdownOpen: () => combobox.focusSearchInput(),
  });
  const { data } = useQuery({ ...namespacesQuery, enabled: combobox.dropdownOpened });
  const names = shownNamespaces(data ?? []).filter((n) => n.toLowerCase().includes(wanted.toLowerCase()));
  return (
    <Combobox
      store={combobox}
      width={260}
      position="bottom-start"
      shadow="md"
      transitionProps={{ duration: 0 }}
      onOptionSubmit={(name) => {
        combobox.closeDropdown();
        void navigate({ to: '/namespaces/$ns/workflows', params: { ns: name }, search: {} });
      }}
    >
      <Combobox.Target targetType="button">
        <button
          type="button"
          className={css['button']}
          aria-label={`${s.namespace}: ${ns}`}
          onClick={() => combobox.toggleDropdown()}
        >
          <span className="sk-ellipsis">{ns}</span>
          <Icon name="down" size={12} />
        </button>
      </Combobox.Target>
      <Combobox.Dropdown className={css['dropdown']}>
        <Combobox.Search
          value={wanted}
          onChange={(event) => setWanted(event.currentTarget.value)}
          placeholder={s.findNamespace}
          aria-label={s.findNamespace}
        />
        <Combobox.Options className={css['options']} aria-label={s.namespaces}>
          {names.map((name) => (
            <Combobox.Option key={name} value={name} className={css['option']} active={name === ns}>
              <span className={css['check']}>{name === ns && <Icon name="check" size={12} />}</span>
              <span className="sk-ellipsis">{name}</span>
            </Combobox.Option>
          ))}
          {data && names.length === 0 && <Combobox.Empty>{s.noNamespace}</Combobox.Empty>}
        </Combobox.Options>
        <Combobox.Footer className={css['footer']}>
          <Link to="/namespaces" onClick={() => combobox.closeDropdown()}>
            {s.allNamespaces}
          </Link>
        </Combobox.Footer>
      </Combobox.Dropdown>
    </Combobox>
  );
}
