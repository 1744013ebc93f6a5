// pause-image.ts PROGRAM NAME ARCHIVE: packs the statically linked pause program into an image that containerd can import.
import { writeFile } from 'node:fs/promises';
import { imageArchitecture } from '@gatehouse/release/node-runtime';
import { buildImage, buildLayer, writeImageArchive } from '@gatehouse/release/oci-image';

const [program, name, archive] = process.argv.slice(2);
if (program === undefined || name === undefined || archive === undefined) {
  throw new Error('Usage: pause-image.ts PROGRAM NAME ARCHIVE');
}
const layer = await buildLayer([{ path: '/pause', mode: 0o755, sourceFile: program }]);
// Root, as everywhere: a sandbox's namespaces belong to the node.
const image = buildImage({ architecture: imageArchitecture(), layers: [layer], entrypoint: ['/pause'], user: '0:0' });
await writeFile(archive, writeImageArchive(image, name));
