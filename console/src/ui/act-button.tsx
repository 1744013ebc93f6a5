import type { Reason } from '@gatehouse/contract/primitives';
import { Button, type ButtonProps } from '@patternfly/react-core';
import { useId } from 'react';
import { Reasons } from './reasons.tsx';

type ActButtonProps = Omit<ButtonProps, 'isAriaDisabled' | 'isDisabled' | 'aria-describedby' | 'ref'> & {
  /** Why it may not be pressed; empty when it may. */
  readonly reasons: readonly Reason[];
};

/** It stays where it may not be pressed, reachable by keyboard, and says why beneath. */
export function ActButton({ reasons, isLoading, ...button }: ActButtonProps) {
  const id = useId();
  const isForbidden = reasons.length > 0;
  return (
    <div className="console-act-button">
      <Button
        {...button}
        {...(isLoading === undefined ? {} : { isLoading })}
        isAriaDisabled={isForbidden || isLoading === true}
        {...(isForbidden ? { 'aria-describedby': id } : {})}
      />
      {isForbidden ? (
        <div id={id} className="console-why-not">
          <Reasons reasons={reasons} />
        </div>
      ) : null}
    </div>
  );
}
