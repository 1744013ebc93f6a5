import { pageNames } from '../texts/frame.ts';
import { CommandInstead } from '../ui/command-instead.tsx';

export const PlatformPage = () => <CommandInstead title={pageNames.platform} command="npx gatehouse platform status" />;
