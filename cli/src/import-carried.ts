/** `release import`: verifies what somebody carried here, pushes its images, and gives it to the control plane. */

import { randomUUID } from 'node:crypto';
import { createWriteStream, fstatSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ProblemError } from '@gatehouse/contract/client';
import {
  type CarriedImage,
  pushCarriedImages,
  type VerifiedBundle,
  verifyBundle,
} from '@gatehouse/release/bundle-import';
import { type CarriedFiles, openCarriedArchive, openCarriedFolder } from '@gatehouse/release/carried-files';
import { openCarriedSite, SiteFault } from '@gatehouse/release/carried-site';
import { withRegistryPrefix } from '@gatehouse/release/image-reference';
import { encodeRepositoryFiles } from '@gatehouse/release/release-import';
import { byteCount } from './byte-count.ts';
import { type CommonOptions, open } from './command.ts';
import { fetchControlPlaneTrust, isHeld } from './control-plane-trust.ts';
import { exitCodes, Failure, failureOf, refusalFailure, usageFailure } from './failure.ts';
import { recallLines } from './recalled.ts';
import { openRegistries } from './registry-access.ts';
import { orFailure } from './registry-failure.ts';
import type { RegistryOptions } from './registry-options.ts';
import { parseRegistryPrefix } from './registry-prefix.ts';
import type { Terminal } from './terminal.ts';

export interface ImportOptions extends CommonOptions, RegistryOptions {
  readonly imagesTo?: string;
  readonly rootFingerprint?: string;
}

export function importFrom(terminal: Terminal, source: string, options: ImportOptions): Promise<void> {
  return withCarriedFiles(terminal, source, (files, name) => importCarried(terminal, files, name, options));
}

/** Everything is verified first, here and by the control plane; then images are pushed; the import is the last step. */
async function importCarried(
  terminal: Terminal,
  files: CarriedFiles,
  name: string,
  options: ImportOptions,
): Promise<void> {
  const { server, client } = open(terminal, options);
  const trust = await fetchControlPlaneTrust(server, await rootVersionsOf(files));
  const bundle = await verifyBundle({
    files,
    name,
    trust,
    rootFingerprint: options.rootFingerprint,
    onBytes: () => mustGoOn(terminal),
  });
  if (bundle.kind === 'refused') throw refusalFailure(bundle.reasons);
  if (trust === undefined && options.rootFingerprint === undefined) {
    terminal.error(
      `The first import brings the root of trust. Compare its fingerprint with the one that whoever signs the releases gave you:\n  ${bundle.value.rootFingerprint}`,
    );
  }
  const body = {
    ...(await bodyOf(bundle.value, trust === undefined ? undefined : server)),
    ...(bundle.value.description === undefined ? {} : { releases: [...bundle.value.description.releases] }),
  };
  const to = await placeOfImages(terminal, bundle.value, options);
  // Whatever the control plane would refuse is refused before anything is pushed.
  if (to !== undefined) await orTooLarge(() => client.importReleases({ body: { ...body, isTrial: true } }, key()));
  if (to !== undefined) await push(terminal, files, bundle.value, to);
  const place = to === undefined ? {} : { imagesAt: to.prefix };
  const imported = await orTooLarge(() => client.importReleases({ body: { ...body, ...place } }, key()));

  const versions = imported.items.map((release) => release.version);
  terminal.out(imported.added.length === 0 ? 'No new release.' : `New releases: ${imported.added.join(', ')}`);
  terminal.out(`Releases: ${versions.join(', ')}`);
  if (imported.notCarried.length > 0) {
    terminal.out(`Signed, but not carried here: ${imported.notCarried.join(', ')}`);
  }
  for (const line of imported.items.flatMap(recallLines)) terminal.out(line);
  terminal.out(`The platform is on ${imported.platformVersion ?? 'no version yet'}.`);
  if (to !== undefined) {
    terminal.out(`Its images are in ${to.prefix}. Gateways pull them from there with --registry-prefix ${to.prefix}.`);
  }
  terminal.error(`They are trusted by the root with the fingerprint\n  ${imported.rootFingerprint}`);
}

const key = () => ({ idempotencyKey: randomUUID() });

function mustGoOn({ interrupted }: Terminal): void {
  if (!interrupted.aborted) return;
  throw new Failure(exitCodes.failed, ['Interrupted; nothing was imported. The same command goes on where it was.']);
}

async function rootVersionsOf(files: CarriedFiles): Promise<readonly number[]> {
  const names = await files.metadataNames();
  return names.flatMap((name) => {
    const [, version] = /^([1-9]\d{0,3})\.root\.json$/.exec(name) ?? [];
    return version === undefined ? [] : [Number(version)];
  });
}

/** Documents that the control plane has need not travel again. */
async function bodyOf({ files }: VerifiedBundle, server: string | undefined) {
  const targets: Record<string, Uint8Array> = {};
  for (const [file, bytes] of Object.entries(files.targets)) {
    if (server === undefined || !(await isHeld(server, file))) targets[file] = bytes;
  }
  return encodeRepositoryFiles({ metadata: files.metadata, targets });
}

async function orTooLarge<Reply>(call: () => Promise<Reply>): Promise<Reply> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof ProblemError) || error.problem.code !== 'payload-too-large') throw error;
    throw new Failure(exitCodes.refused, [
      ...failureOf(error.problem).lines,
      '  Bring fewer releases at a time: `gatehouse release bundle <repository> --version VERSION --to FILE`.',
    ]);
  }
}

interface PlaceOfImages {
  readonly prefix: string;
  readonly open: Awaited<ReturnType<typeof openRegistries>>;
}

async function placeOfImages(
  terminal: Terminal,
  { description, images }: VerifiedBundle,
  options: ImportOptions,
): Promise<PlaceOfImages | undefined> {
  if (options.imagesTo === undefined) {
    if (images.length > 0) {
      terminal.error(`The bundle's ${images.length} images are not pushed anywhere: that needs --images-to REGISTRY.`);
    }
    return undefined;
  }
  const prefix = parseRegistryPrefix(options.imagesTo, '--images-to');
  if (description?.hasImages !== true) {
    throw usageFailure(
      '--images-to was given, and this brings no images.',
      'Make a bundle with images, or leave --images-to out.',
    );
  }
  return { prefix, open: await openRegistries(terminal, options, prefix) };
}

async function push(terminal: Terminal, files: CarriedFiles, bundle: VerifiedBundle, to: PlaceOfImages): Promise<void> {
  const input = {
    files,
    images: bundle.images,
    openRepository: (repository: string) => to.open(withRegistryPrefix(repository, to.prefix), 'pull,push'),
    onImage: ({ digest }: CarriedImage, repository: string) => terminal.error(`Image ${repository}@${digest}`),
    onBytes: () => mustGoOn(terminal),
  };
  const { blobsSent, bytesSent } = await orFailure(
    () => pushCarriedImages(input),
    'Nothing was imported; the same command goes on where it was.',
  );
  terminal.error(
    blobsSent === 0 ? 'All images were there already.' : `Pushed ${blobsSent} blobs, ${byteCount(bytesSent)}.`,
  );
}

async function withCarriedFiles(
  terminal: Terminal,
  source: string,
  use: (files: CarriedFiles, name: string) => Promise<void>,
): Promise<void> {
  if (/^https?:\/\//.test(source)) return withSite(source, use);
  if (source !== '-' && statSync(source, { throwIfNoEntry: false })?.isDirectory() === true) {
    return use(openCarriedFolder(source), source);
  }
  const archive = source === '-' ? await standardInput(terminal) : { file: source, forget: () => Promise.resolve() };
  try {
    if (typeof archive.file === 'string' && statSync(archive.file, { throwIfNoEntry: false }) === undefined) {
      throw new Failure(exitCodes.notFound, [`There is no ${source}.`]);
    }
    const name = source === '-' ? 'Standard input' : source;
    const files = await openCarriedArchive(archive.file);
    if (files.kind === 'refused')
      throw refusalFailure(files.reasons.map((reason) => ({ ...reason, message: `${name}: ${reason.message}` })));
    try {
      await use(files.value, name);
    } finally {
      await files.value.close();
    }
  } finally {
    await archive.forget();
  }
}

async function withSite(url: string, use: (files: CarriedFiles, name: string) => Promise<void>): Promise<void> {
  try {
    await use(openCarriedSite(url), url);
  } catch (error) {
    if (!(error instanceof SiteFault)) throw error;
    const why = error.cause instanceof Error ? (error.cause.cause ?? error.cause) : undefined;
    throw new Failure(exitCodes.failed, [
      error.message,
      ...(why instanceof Error ? [`  ${why.message}`] : []),
      '  Nothing was imported. Name the folder that holds metadata/ and targets/.',
    ]);
  }
}

/** A file is read where it lies. What comes through a pipe can be read only once, and is kept until the import is over. */
async function standardInput(
  terminal: Terminal,
): Promise<{ readonly file: string | number; readonly forget: () => Promise<void> }> {
  if (fstatSync(0).isFile()) return { file: 0, forget: () => Promise.resolve() };
  const folder = await mkdtemp(path.join(tmpdir(), 'gatehouse-bundle-'));
  const forget = () => rm(folder, { recursive: true, force: true });
  const file = path.join(folder, 'bundle.tar');
  terminal.error(`Standard input is kept in ${file} until the import is over.`);
  try {
    await pipeline(process.stdin, createWriteStream(file, { mode: 0o600 }));
  } catch (error) {
    await forget();
    throw error;
  }
  return { file, forget };
}
