/** Reads the files of a publisher's source within bounds. Whatever is wrong with one is a fault, and reading goes on. */

import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type Type from 'typebox';
import { Value } from 'typebox/value';
import { type Dialect, parseYaml } from './kubernetes-yaml.ts';
import { type SourceFault, sourceFault, toField } from './source-fault.ts';
import { isSystemError } from './system-error.ts';

const fileBytesMax = 5_000_000;
const filesMax = 2000;
export const correct = 'Correct the field; docs/releases.md lists them all.';

export interface SourceReader {
  readonly directory: string;
  /** Sorted; empty when there is no such folder. */
  readonly names: (folder: string) => Promise<readonly string[]>;
  /** All YAML documents of a file, or `undefined` after adding a fault. */
  readonly documents: (file: string, dialect: Dialect) => Promise<readonly unknown[] | undefined>;
  /** The one YAML document of a file that fits the schema, or `undefined` after adding faults. */
  readonly document: <Schema extends Type.TSchema>(
    file: string,
    schema: Schema,
    dialect?: Dialect,
  ) => Promise<Type.Static<Schema> | undefined>;
}

export function newReader(directory: string, faults: SourceFault[]): SourceReader {
  let filesRead = 0;
  const fault = (file: string, field: string, reason: string, nextStep: string) => {
    faults.push(sourceFault(file, field, reason, nextStep));
    return undefined;
  };

  async function names(folder: string): Promise<readonly string[]> {
    try {
      // Editors leave hidden files.
      return (await readdir(path.join(directory, folder))).filter((name) => !name.startsWith('.')).toSorted();
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return [];
      if (!isSystemError(error, 'ENOTDIR')) throw error;
      fault(folder, '', 'it is a file, and a folder was expected', 'Move or remove it.');
      return [];
    }
  }

  async function documents(file: string, dialect: Dialect): Promise<readonly unknown[] | undefined> {
    filesRead += 1;
    if (filesRead > filesMax) return fault(file, '', `more than ${filesMax} files`, 'Put more objects into one file.');
    const tooLarge = () => fault(file, '', `it is larger than ${fileBytesMax} bytes`, 'Split it.');
    let text: string;
    try {
      // Before it is read: nobody has the memory for any file there is.
      if ((await stat(path.join(directory, file))).size > fileBytesMax) return tooLarge();
      text = await readFile(path.join(directory, file), 'utf8');
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return fault(file, '', 'there is no such file', 'Add it.');
      if (isSystemError(error, 'EISDIR'))
        return fault(file, '', 'it is a folder, and a file was expected', 'Move its files up.');
      throw error;
    }
    const parsed = parseYaml(text, dialect);
    if (parsed.kind === 'fault') {
      const next = parsed.reason.startsWith('it is no YAML') ? 'Correct it.' : 'Write its aliases out.';
      return fault(file, '', parsed.reason, next);
    }
    return parsed.documents.map(({ value }) => value);
  }

  async function document<Schema extends Type.TSchema>(file: string, schema: Schema, dialect: Dialect = 'yaml-1.2') {
    const all = await documents(file, dialect);
    if (!all) return undefined;
    const [value = {}] = all;
    if (all.length > 1) return fault(file, '', 'it holds more than one document', 'Remove the lines `---`.');
    if (Value.Check(schema, value)) return value;
    for (const error of Value.Errors(schema, value).slice(0, 20)) {
      // Said again, and better, as `additionalProperties`.
      if (error.keyword === 'boolean') continue;
      if (error.keyword === 'additionalProperties') {
        for (const name of error.params.additionalProperties) {
          fault(file, toField(`${error.instancePath}/${name}`), 'there is no such field', correct);
        }
      } else {
        fault(file, toField(error.instancePath), error.message, correct);
      }
    }
    return undefined;
  }

  return { directory, names, documents, document };
}
