import { pageNames } from '../texts/frame.ts';
import { CommandInstead } from '../ui/command-instead.tsx';

export const Notifications = () => (
  <CommandInstead title={pageNames.notifications} command="npx gatehouse gateway list" />
);
