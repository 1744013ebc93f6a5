import { Table, type TableProps } from '@patternfly/react-table';

/** PatternFly calls its tables grids, whose cells a keyboard would walk through; ours are only read. */
const onlyRead = { role: 'table' };

export function DataTable(props: Omit<TableProps, 'ref' | 'role'>) {
  return <Table variant="compact" {...onlyRead} {...props} />;
}
