import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aroundIt, failPointsVariable, placesAround, readFailPoints } from './fail-point.ts';

const known = placesAround(['pause.persist', 'pause.reply', 'poll.persist']);
const read = (value: string, environment = 'test') =>
  readFailPoints({ [failPointsVariable]: value, NODE_ENV: environment }, known);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'gatehouse-fail-point-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('what the variable may say', () => {
  it('nothing: there are no fail points, and what is done is done as it is', async () => {
    expect(readFailPoints({}, known)).toBeUndefined();
    expect(read('')).toBeUndefined();
    await expect(aroundIt(undefined, 'anything', async () => 7)).resolves.toBe(7);
  });

  it.each([
    ['pause.persist.before', 'it takes NAME=ACTION or NAME=ACTION@N with kill, throw, hang'],
    ['pause.persist.before=die', 'it takes NAME=ACTION'],
    ['pause.persist.before=kill@0', 'it takes NAME=ACTION'],
    ['pause.persist.before=kill,', 'has ""'],
    ['pause.persist=kill', 'There are: pause.persist.before, pause.persist.after, pause.reply.before'],
    ['pose.persist.before=kill', 'There are: pause.…, poll.….'],
  ])('%s is refused: %s', (value, message) => {
    expect(() => read(value)).toThrow(message);
  });

  it('outside of a test it is refused whatever it says', () => {
    expect(() => read('pause.persist.before=kill', 'production')).toThrow('NODE_ENV is not "test". Remove it.');
    expect(() => readFailPoints({ [failPointsVariable]: 'x' }, known)).toThrow('is for tests');
  });
});

describe('places around what is done', () => {
  it('before: it is not done; after: it is, and nobody hears of it', async () => {
    const done: string[] = [];
    const points = read('pause.persist.before=throw,poll.persist.after=throw');
    const doing = (name: string) => aroundIt(points, name, async () => done.push(name));
    await expect(doing('pause.persist')).rejects.toThrow('the fail point pause.persist.before was reached');
    await expect(doing('poll.persist')).rejects.toThrow('the fail point poll.persist.after was reached');
    expect(done).toEqual(['poll.persist']);
  });

  it('at the third time, and not at the second or the fourth', async () => {
    const points = read('pause.persist.before=throw@3');
    const outcomes: string[] = [];
    for (let time = 1; time <= 4; time += 1) {
      await points?.reach('pause.persist.before').then(
        () => outcomes.push('passed'),
        () => outcomes.push('thrown'),
      );
    }
    expect(outcomes).toEqual(['passed', 'passed', 'thrown', 'passed']);
  });

  it('a place that is in no list is a fault of ours, whatever was asked for', async () => {
    await expect(read('pause.persist.before=kill')?.reach('pause.forgotten.before')).rejects.toThrow('is in no list');
  });
});

describe('asked for in a file', () => {
  it('is done by whoever comes first, once; and again when it is asked for again', async () => {
    const file = path.join(folder, 'armed');
    const [one, other] = [read(`@${file}`), read(`@${file}`)];
    await one?.reach('pause.persist.before');
    writeFileSync(file, 'pause.persist.before=throw');
    await one?.reach('pause.reply.before');
    await expect(other?.reach('pause.persist.before')).rejects.toThrow('was reached');
    expect(existsSync(file)).toBe(false);
    expect(readFileSync(`${file}.reached`, 'utf8')).toBe('pause.persist.before=throw');
    await one?.reach('pause.persist.before');
    writeFileSync(file, 'pause.persist.before=throw@2');
    await one?.reach('pause.persist.before');
    await expect(one?.reach('pause.persist.before')).rejects.toThrow('was reached');
  });

  it('names what there is not: an error at the next place', async () => {
    const file = path.join(folder, 'armed');
    writeFileSync(file, 'pose.persist.before=kill');
    await expect(read(`@${file}`)?.reach('pause.persist.before')).rejects.toThrow('no such fail point');
  });
});

describe('in a process', () => {
  const run = (value: string) => {
    const module = path.join(import.meta.dirname, 'fail-point.ts');
    const program = `
      const { readFailPoints } = await import(${JSON.stringify(module)});
      const points = readFailPoints(process.env, ['work.persist.before']);
      const later = setTimeout(() => process.stdout.write('still here'), 300);
      await points.reach('work.persist.before');
      process.stdout.write('went on');
      clearTimeout(later);
    `;
    const env = { ...process.env, [failPointsVariable]: value, NODE_ENV: 'test' };
    return spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      env,
      encoding: 'utf8',
      timeout: 3_000,
    });
  };

  it('kill: it ends by SIGKILL and says last which place it was', () => {
    expect(run('work.persist.before=kill')).toMatchObject({
      signal: 'SIGKILL',
      stdout: '',
      stderr: 'fail point work.persist.before: kill\n',
    });
  });

  it('hang: it goes on, and never leaves the place', () => {
    expect(run('work.persist.before=hang').stdout).toBe('still here');
  });
});
