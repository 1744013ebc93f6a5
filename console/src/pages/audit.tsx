import { pageNames } from '../texts/frame.ts';
import { CommandInstead } from '../ui/command-instead.tsx';

export const Audit = () => <CommandInstead title={pageNames.audit} command="npx gatehouse audit list" />;
