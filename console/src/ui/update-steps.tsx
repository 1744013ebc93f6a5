/** The steps of an update in their order, with the nodes of a step that replaces some. */

import type { Gateway, ProfileUpdate } from '@gatehouse/contract/operator-types';
import { Card, CardBody, CardTitle, ProgressStep, ProgressStepper } from '@patternfly/react-core';
import { repaveProgress } from '../format/repave-progress.ts';
import { shownDuration } from '../format/time.ts';
import { updatesTexts } from '../texts/updates.ts';
import { Elapsed } from './elapsed.tsx';
import { Prose } from './prose.tsx';

const texts = updatesTexts.steps;

type Step = ProfileUpdate['steps'][number];
type Nodes = Gateway['nodes'];

const variants = { waiting: 'pending', running: 'info', done: 'success', failed: 'danger' } as const;

interface UpdateStepsProps {
  readonly update: ProfileUpdate;
  /** As the agent saw them last. */
  readonly nodes: Nodes;
}

export function UpdateSteps({ update, nodes }: UpdateStepsProps) {
  return (
    <Card isFullHeight>
      <CardTitle component="h2">{texts.title}</CardTitle>
      <CardBody>
        <ProgressStepper isVertical aria-label={texts.title}>
          {update.steps.map((step) => {
            const id = `step-${step.id.replaceAll(/[^a-zA-Z0-9-]/g, '-')}`;
            return (
              <ProgressStep
                key={step.id}
                id={id}
                titleId={`${id}-title`}
                variant={variants[step.state]}
                isCurrent={step.state === 'running'}
                aria-label={`${step.title}: ${texts[step.state]}`}
                description={<StepDetail step={step} nodes={nodes} />}
              >
                {step.title}
              </ProgressStep>
            );
          })}
        </ProgressStepper>
      </CardBody>
    </Card>
  );
}

function StepDetail({ step, nodes }: { readonly step: Step; readonly nodes: Nodes }) {
  const { state, startedAt, finishedAt, message } = step;
  const took =
    startedAt !== undefined && finishedAt !== undefined
      ? texts.in(shownDuration((Date.parse(finishedAt) - Date.parse(startedAt)) / 1000))
      : '';
  return (
    <span className="console-text">
      {texts[state]}
      {took}
      {state === 'running' && startedAt !== undefined ? (
        <>
          {' '}
          {texts.for} <Elapsed since={startedAt} />
        </>
      ) : null}
      {state === 'running' || state === 'failed' ? <Repave step={step} nodes={nodes} /> : null}
      {message === undefined ? null : (
        <span className="console-block">
          <Prose text={message} />
        </span>
      )}
    </span>
  );
}

function Repave({ step, nodes }: { readonly step: Step; readonly nodes: Nodes }) {
  const progress = repaveProgress(step, nodes);
  if (progress === undefined) return null;
  const { replaced, total, left, fresh } = progress;
  return (
    <>
      <span className="console-block">{texts.replaced(replaced, total)}</span>
      {left.length === 0 ? null : <span className="console-block">{texts.left(left.join(', '))}</span>}
      {fresh.length === 0 ? null : (
        <span className="console-block">{texts.fresh(fresh.map(({ name }) => name).join(', '))}</span>
      )}
    </>
  );
}
