/** Answers that are none: other hosts, other sizes, other codings. */

import { gzipSync } from 'node:zlib';
import type { Attack } from './attack.ts';
import { markerAgent, telling } from './lies.ts';

const has = 'server';
const attackersHost = 'http://127.0.0.1:9';
const isPoll = (path: string): boolean => path === '/v1/agent/poll';
const isTimestamp = (path: string): boolean => path === '/v1/tuf/metadata/timestamp.json';
const gigabyte = 1_000_000_000;

export const transportAttacks: readonly Attack[] = [
  {
    name: 'A poll is redirected to another host',
    has,
    refusal: 'log:poll-failed',
    begin: () => ({
      answer: (path, response) => {
        if (!isPoll(path)) return false;
        response.writeHead(307, { location: `${attackersHost}${path}` }).end();
        return true;
      },
    }),
  },
  {
    name: 'The metadata is redirected to another host',
    has,
    refusal: 'repository-unreachable',
    begin: (field) => ({
      ...telling({ agent: markerAgent(field, '9.8.1') }),
      answer: (path, response) => {
        if (!isTimestamp(path)) return false;
        response.writeHead(301, { location: `${attackersHost}${path}` }).end();
        return true;
      },
    }),
  },
  {
    name: 'A poll is answered without end',
    has,
    refusal: 'log:poll-failed',
    begin: () => ({
      answer: (path, response) => {
        if (!isPoll(path)) return false;
        const chunk = Buffer.alloc(1_000_000, ' ');
        response.writeHead(200, { 'content-type': 'application/json' });
        const pour = (): void => {
          while (!response.destroyed && response.write(chunk));
        };
        response.on('drain', pour);
        pour();
        return true;
      },
    }),
  },
  {
    name: 'The metadata says that it is larger than any disk',
    has,
    refusal: 'file-too-large',
    begin: (field) => ({
      ...telling({ agent: markerAgent(field, '9.8.2') }),
      answer: (path, response) => {
        if (!isTimestamp(path)) return false;
        response.writeHead(200, { 'content-length': String(1000 * gigabyte) });
        response.write(Buffer.alloc(2_000_000, ' '));
        return true;
      },
    }),
  },
  {
    name: 'The metadata is a small archive of something huge',
    has,
    refusal: 'metadata-malformed',
    begin: (field) => {
      const bomb = gzipSync(Buffer.alloc(10_000_000, ' '));
      return {
        ...telling({ agent: markerAgent(field, '9.8.3') }),
        answer: (path, response) => {
          if (!isTimestamp(path)) return false;
          response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': bomb.length }).end(bomb);
          return true;
        },
      };
    },
  },
];
