import { pageNames } from '../texts/frame.ts';
import { CommandInstead } from '../ui/command-instead.tsx';

export const Events = () => <CommandInstead title={pageNames.events} command="npx gatehouse gateway list" />;
