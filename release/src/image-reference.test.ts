import { expect, test } from 'vitest';
import { imagesIn, parseImageByDigest, withImagesFrom } from './image-reference.ts';

const digest = `sha256:${'a'.repeat(64)}`;

const deployment = {
  kind: 'Deployment',
  metadata: { name: 'csi', annotations: { source: 'https://example.org/csi' } },
  spec: {
    template: {
      spec: {
        initContainers: [{ name: 'init', image: `busybox@${digest}` }],
        containers: [
          {
            name: 'csi',
            image: `registry.example/csi/driver@${digest}`,
            env: [{ name: 'RELATED_IMAGE', value: `quay.example:8443/csi/worker@${digest}` }],
            args: [`--image=registry.example/csi/other@${digest}`],
          },
        ],
      },
    },
  },
};

test('images stand under the key image, and wherever a whole value is an image by digest', () => {
  expect(imagesIn([deployment, { spec: { image: 'plain' } }])).toEqual([
    `busybox@${digest}`,
    'plain',
    `quay.example:8443/csi/worker@${digest}`,
    `registry.example/csi/driver@${digest}`,
  ]);
});

test('a prefix changes where images come from, and nothing else', () => {
  const moved = withImagesFrom(deployment, 'mirror.example/proxy');
  expect(imagesIn(moved)).toEqual([
    `mirror.example/proxy/csi/driver@${digest}`,
    `mirror.example/proxy/csi/worker@${digest}`,
    `mirror.example/proxy/library/busybox@${digest}`,
  ]);
  expect(moved.metadata).toEqual(deployment.metadata);
  expect(moved.spec.template.spec.containers[0]?.args).toEqual([`--image=registry.example/csi/other@${digest}`]);
  expect(withImagesFrom(deployment, '')).toBe(deployment);
});

test.each([
  [`registry.example/a/b@${digest}`, 'registry.example/a/b'],
  [`registry.example:5000/a/b:1.2.3@${digest}`, 'registry.example:5000/a/b'],
  [`nginx@${digest}`, 'nginx'],
])('%s is of the repository %s', (image, repository) => {
  expect(parseImageByDigest(image)).toEqual({ repository, digest });
});

test.each([
  'registry.example/a/b:1.2.3',
  `registry.example/../b@${digest}`,
  `registry.example/a/b@${digest}x`,
  `a b@${digest}`,
  `@${digest}`,
])('%s is not named by digest', (image) => {
  expect(parseImageByDigest(image)).toBeUndefined();
});
