import { pageNames } from '../texts/frame.ts';
import { CommandInstead } from '../ui/command-instead.tsx';

export const Settings = () => <CommandInstead title={pageNames.settings} command="npx gatehouse pause list" />;
