"""Temporary."""
from __future__ import annotations
import argparse, sys, time, os
def main() -> int:
    import clusters; from clusters import records
    from clusters.embedded.provider import EmbeddedProvider
    from clusters.errors import RoadtestError
    from clusters.provider import ClusterSpec
    p=argparse.ArgumentParser(prog='python -m clusters'); s=p.add_subparsers(dest='verb',required=True)
    c=s.add_parser('create'); c.add_argument('--name',default='roadtest'); c.add_argument('--mode',default='iptables'); c.add_argument('--nodes',type=int,default=3); c.add_argument('--controller',action='append',default=[]); c.add_argument('--api-port',type=int,default=0)
    d=s.add_parser('delete'); d.add_argument('name')
    k=s.add_parser('kubectl'); k.add_argument('name'); k.add_argument('rest',nargs=argparse.REMAINDER)
    s.add_parser('list')
    a=p.parse_args()
    try:
        if a.verb=='create':
            
            from clusters.progress import LineProgress
            import clusters; c=clusters.create(ClusterSpec(name=a.name,mode=a.mode,nodes=a.nodes,api_port=a.api_port,controllers=a.controller),LineProgress(sys.stderr))
            for k,v in c.timings.items(): print(f'{v:7.2f} {k}')
        elif a.verb=='delete':
            t=time.time(); clusters.delete(a.name); print(f'deleted in {time.time()-t:.2f} s')
        elif a.verb=='list': print('\n'.join(clusters.names()))
        elif a.verb=='kubectl':
            r=a.rest[1:] if a.rest[:1]==['--'] else a.rest
            from clusters import components
            b=components.resolve(['kubectl'],None)['kubectl']
            os.execv(b,[str(b),'--kubeconfig',str(records.load(a.name).kubeconfig),*r])
    except RoadtestError as e:
        print(f'error: {e}',file=sys.stderr); return 2
    return 0
