import { useMutation, useQueryClient } from '@tanstack/react-query';
import { liveKey } from './queries.ts';

/** An act of a person: whatever the answer is, every page shows what holds afterwards. */
export function useAct<Input, Output>(act: (input: Input) => Promise<Output>, onDone?: (output: Output) => void) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSuccess: (output) => onDone?.(output),
    onSettled: () => queryClient.invalidateQueries({ queryKey: liveKey }),
  });
}
