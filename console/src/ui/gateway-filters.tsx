/** What the list is narrowed to. All of it stands in the address; the control plane filters. */

import type { Overview } from '@gatehouse/contract/fleet-types';
import {
  Button,
  FormGroup,
  FormSelect,
  FormSelectOption,
  Label,
  LabelGroup,
  SearchInput,
} from '@patternfly/react-core';
import { useEffect, useId, useState } from 'react';
import { type FilterChange, type FilterKey, type GatewaySearch, setFilters } from '../format/gateway-search.ts';
import { gatewaysTexts, reasonCodeText, stateTexts } from '../texts/fleet.ts';
import { installationText } from './labels.tsx';

const texts = gatewaysTexts.filters;
const typingMilliseconds = 300;

interface FiltersProps {
  readonly search: GatewaySearch;
  /** What there is to choose; absent until it is known. */
  readonly overview: Overview | undefined;
  readonly onChange: (change: FilterChange) => void;
  readonly onClear: () => void;
}

type Choice = readonly [value: string, label: string];

const sorts: readonly Choice[] = (
  [
    ['name', gatewaysTexts.columns.name],
    ['provider', gatewaysTexts.columns.provider],
    ['installation', gatewaysTexts.columns.installation],
    ['status', gatewaysTexts.columns.status],
    ['health', gatewaysTexts.columns.health],
    ['agentVersion', gatewaysTexts.columns.agentVersion],
    ['profileVersion', gatewaysTexts.columns.profileVersion],
    ['lastPoll', gatewaysTexts.columns.lastPoll],
  ] as const
).flatMap(([value, label]) => [[value, label] as const, [`-${value}`, texts.descending(label)] as const]);

export function GatewayFilters({ search, overview, onChange, onClear }: FiltersProps) {
  const [isMore, setIsMore] = useState(false);
  const versions = (counts: Overview['agentVersions'] | undefined): readonly Choice[] =>
    (counts ?? []).map(({ version }) => (version === undefined ? ['none', texts.none] : [version, version]));
  const choose = (key: FilterKey | 'sort', label: string, choices: readonly Choice[]) => (
    <Chooser
      label={label}
      value={search[key] === undefined ? '' : String(search[key])}
      choices={choices}
      onChange={(value) => onChange({ [key]: value === '' ? undefined : value })}
    />
  );
  const answer = (key: 'updatesAvailable' | 'paused', label: string) => (
    <Chooser
      label={label}
      value={search[key] === undefined ? '' : String(search[key])}
      choices={[
        ['true', texts.yes],
        ['false', texts.no],
      ]}
      onChange={(value) => onChange({ [key]: value === '' ? undefined : value === 'true' })}
    />
  );
  return (
    <search aria-label={texts.label} className="console-filters">
      <div className="console-filter-row">
        <SearchByName value={search.search ?? ''} onChange={(value) => onChange({ search: value })} />
        {choose('state', texts.state, Object.entries(stateTexts))}
        {choose(
          'provider',
          texts.provider,
          (overview?.providers ?? []).map(({ provider }) => [provider, provider]),
        )}
        {choose('agentVersion', texts.agentVersion, versions(overview?.agentVersions))}
        <Chooser
          label={texts.sort}
          value={search.sort ?? 'name'}
          choices={sorts}
          isAlwaysSet
          onChange={(value) => onChange({ sort: value === 'name' ? undefined : value })}
        />
        <Button variant="link" aria-expanded={isMore} onClick={() => setIsMore(!isMore)}>
          {isMore ? texts.fewer : texts.more}
        </Button>
      </div>
      {isMore ? (
        <div className="console-filter-row">
          {choose('status', texts.status, statuses)}
          {choose('health', texts.health, healths)}
          {choose('installation', texts.installation, Object.entries(installationText))}
          {choose('profileVersion', texts.profileVersion, versions(overview?.profileVersions))}
          {answer('updatesAvailable', texts.updatesAvailable)}
          {answer('paused', texts.paused)}
          {choose(
            'reason',
            texts.reason,
            (overview?.heldBy ?? []).map(({ code }) => [code, reasonCodeText(code)]),
          )}
        </div>
      ) : null}
      <SetFilters search={search} onChange={onChange} onClear={onClear} />
    </search>
  );
}

const same = (value: string): Choice => [value, value];
const statuses = ['Pending', 'Provisioning', 'Running', 'Updating', 'Deleting', 'Error'].map(same);
const healths = ['healthy', 'unhealthy', 'unknown'].map(same);

interface ChooserProps {
  readonly label: string;
  readonly value: string;
  readonly choices: readonly Choice[];
  readonly isAlwaysSet?: boolean;
  readonly onChange: (value: string) => void;
}

function Chooser({ label, value, choices, isAlwaysSet = false, onChange }: ChooserProps) {
  const id = useId();
  // What the address asks for is shown, also where nothing has it now.
  const isKnown = value === '' || choices.some(([known]) => known === value);
  return (
    <FormGroup label={label} fieldId={id} className="console-filter">
      <FormSelect id={id} value={value} onChange={(_event, chosen) => onChange(chosen)}>
        {isAlwaysSet ? null : <FormSelectOption value="" label={texts.any} />}
        {isKnown ? null : <FormSelectOption value={value} label={value} />}
        {choices.map(([choice, name]) => (
          <FormSelectOption key={choice} value={choice} label={name} />
        ))}
      </FormSelect>
    </FormGroup>
  );
}

/** Asked for when the reader pauses in typing, or at once with Enter. */
export function SearchByName({
  value,
  label = texts.search,
  onChange,
}: {
  readonly value: string;
  readonly label?: string;
  readonly onChange: (value: string) => void;
}) {
  const id = useId();
  const [typed, setTyped] = useState(value);
  const [shown, setShown] = useState(value);
  // The address has changed by other means, such as the way back.
  if (shown !== value) {
    setShown(value);
    setTyped(value);
  }
  useEffect(() => {
    if (typed === value) return undefined;
    const timer = setTimeout(() => onChange(typed), typingMilliseconds);
    return () => clearTimeout(timer);
  }, [typed, value, onChange]);
  return (
    <FormGroup label={label} fieldId={id} className="console-filter console-filter-search">
      <SearchInput
        searchInputId={id}
        aria-label={label}
        value={typed}
        onChange={(_event, text) => setTyped(text)}
        onSearch={() => onChange(typed)}
        onClear={() => {
          setTyped('');
          onChange('');
        }}
      />
    </FormGroup>
  );
}

/** What the list is narrowed to now, each to be taken away. */
function SetFilters({ search, onChange, onClear }: Omit<FiltersProps, 'overview'>) {
  const set = setFilters(search);
  if (set.length === 0) return null;
  return (
    <div className="console-labels">
      <LabelGroup numLabels={set.length} aria-label={texts.label}>
        {set.map((key) => {
          const says = `${texts[key]}: ${valueText(key, search)}`;
          return (
            <Label
              key={key}
              variant="outline"
              onClose={() => onChange({ [key]: undefined })}
              closeBtnAriaLabel={texts.remove(says)}
            >
              {says}
            </Label>
          );
        })}
      </LabelGroup>
      <Button variant="link" isInline onClick={onClear}>
        {gatewaysTexts.clearFilters}
      </Button>
    </div>
  );
}

function valueText(key: FilterKey, search: GatewaySearch): string {
  const value = search[key];
  if (typeof value === 'boolean') return value ? texts.yes : texts.no;
  const text = value ?? '';
  const known: Readonly<Record<string, string>> =
    key === 'state' ? stateTexts : key === 'installation' ? installationText : {};
  return known[text] ?? (key === 'reason' ? reasonCodeText(text) : text);
}
