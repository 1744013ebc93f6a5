import { pageNames } from '../texts/frame.ts';
import { CommandInstead } from '../ui/command-instead.tsx';

export const Overview = () => <CommandInstead title={pageNames.overview} command="npx gatehouse gateway list" />;
