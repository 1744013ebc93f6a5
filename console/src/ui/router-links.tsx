/** PatternFly's links and buttons with the router's addresses: no page is loaded anew. */

import { Button, type ButtonProps } from '@patternfly/react-core';
import { createLink } from '@tanstack/react-router';
import type { Ref } from 'react';

function AnchorButton({ ref, ...props }: ButtonProps & { readonly ref?: Ref<HTMLAnchorElement> }) {
  return <Button component="a" {...(ref === undefined ? {} : { ref })} {...props} />;
}

export const ButtonLink = createLink(AnchorButton);
