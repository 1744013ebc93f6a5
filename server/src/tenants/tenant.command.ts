/** Tenants and their projects. */

import { done, refuse } from '../http/answer.ts';
import type { Commands, Queries } from '../http/operator-routes.ts';
import { newId } from '../work/work.ts';
import { insertProject, insertTenant, selectProjects, selectTenants } from './tenant.store.ts';

export const tenantQueries: Pick<Queries, 'listTenants'> = {
  async listTenants(_call, { db, access }) {
    const part = await access.list(db, {});
    if (part.kind === 'refused') return part;
    const tenants = await selectTenants(db, part.reply.tenantId);
    const projects = await selectProjects(db, part.reply);
    return done({
      items: tenants.map(({ id, name }) => ({
        id,
        name,
        projects: projects
          .filter((project) => project.tenant_id === id)
          .map((project) => ({ id: project.id, name: project.name })),
      })),
    });
  },
};

export const tenantCommands: Pick<Commands, 'createTenant' | 'createProject'> = {
  async createTenant({ body }, { work, access }) {
    const allowed = access.platform();
    if (allowed.kind === 'refused') return allowed;
    const tenant = { id: newId(), name: body.name };
    if (!(await insertTenant(work.tx, tenant, work.now))) {
      const detail = `There is a tenant ${body.name} already; choose another name.`;
      return refuse('name-taken', detail, { reasons: [{ code: 'name-taken', message: detail }] });
    }
    work.audit({
      actor: access.principal.name,
      action: 'tenant.create',
      subjectKind: 'tenant',
      subjectName: body.name,
      tenantId: tenant.id,
      message: `The tenant ${body.name} was created by ${access.principal.name}.`,
    });
    return done(tenant);
  },

  async createProject({ query, body }, { work, access }) {
    const place = await access.place(work.tx, { tenant: query?.tenant });
    if (place.kind === 'refused') return place;
    const { tenant } = place.reply;
    const project = { id: newId(), name: body.name };
    if (!(await insertProject(work.tx, { ...project, tenantId: tenant.id }, work.now))) {
      const detail = `The tenant ${tenant.name} has a project ${body.name} already; choose another name.`;
      return refuse('name-taken', detail, { reasons: [{ code: 'name-taken', message: detail }] });
    }
    work.audit({
      actor: access.principal.name,
      action: 'project.create',
      subjectKind: 'project',
      subjectName: body.name,
      tenantId: tenant.id,
      projectId: project.id,
      message: `The project ${body.name} of the tenant ${tenant.name} was created by ${access.principal.name}.`,
    });
    return done(project);
  },
};
